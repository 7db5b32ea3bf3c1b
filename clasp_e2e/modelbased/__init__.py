"""Model-based testing: scripts of calls that nobody wrote, judged by a model that predicts them.

`steps` are the plain data of a script; `model` says which steps are possible and what follows from
each; `generation` makes scripts; `play` performs one against an implementation, and `checks` holds what
was seen against the model; `search` looks for a script that contradicts it, and shrinks what it finds.
"""

from clasp_e2e.modelbased.play import REQUIREMENTS as REQUIREMENTS, Tally as Tally, case_of as case_of
from clasp_e2e.modelbased.search import Finding as Finding, Search as Search, Seen as Seen
from clasp_e2e.modelbased.steps import (
    Script as Script,
    ScriptError as ScriptError,
    read_script as read_script,
    script_to_json as script_to_json,
)
