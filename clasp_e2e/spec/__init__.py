"""The requirement catalogue: every sentence that a verdict can rest on."""
