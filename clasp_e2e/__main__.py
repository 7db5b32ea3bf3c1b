"""`python -m clasp_e2e`: the same as `clasp-e2e`."""

from clasp_e2e.commands import main

main(prog_name="clasp-e2e")
