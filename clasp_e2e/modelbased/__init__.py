"""Model-based testing: scripts of calls that nobody wrote, judged by a model that predicts them.

`steps` are the plain data of a script; `model` says which steps are possible and what follows from
each; `generation` makes scripts; `play` performs one against an implementation, and `checks` holds what
was seen against the model; `search` looks for a script that contradicts it, and shrinks what it finds.
"""

from clasp_e2e.modelbased.play import REQUIREMENTS as REQUIREMENTS
from clasp_e2e.modelbased.play import SearchCounts as SearchCounts
from clasp_e2e.modelbased.play import case_of as case_of
from clasp_e2e.modelbased.search import ScriptOutcome as ScriptOutcome
from clasp_e2e.modelbased.search import Search as Search
from clasp_e2e.modelbased.search import Seen as Seen
from clasp_e2e.modelbased.steps import Script as Script
from clasp_e2e.modelbased.steps import ScriptError as ScriptError
from clasp_e2e.modelbased.steps import read_script as read_script
from clasp_e2e.modelbased.steps import script_to_json as script_to_json
