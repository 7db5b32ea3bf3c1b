"""Model-based testing: generated scripts of calls, whose results are compared with those of a model.

`steps` defines the data of a script; `prediction` is the model, which determines the possible steps and
their effects; `generation` makes scripts; `play` executes one against an implementation, and `checks`
compares the results with the model; `search` finds a script that contradicts the model, and shrinks it.
"""

from clasp_e2e.modelbased.play import REQUIREMENTS as REQUIREMENTS, SearchCounts as SearchCounts
from clasp_e2e.modelbased.play import case_of as case_of
from clasp_e2e.modelbased.search import ScriptOutcome as ScriptOutcome, Search as Search, Seen as Seen
from clasp_e2e.modelbased.steps import Script as Script, ScriptError as ScriptError
from clasp_e2e.modelbased.steps import read_script as read_script
