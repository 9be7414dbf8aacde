"""The top of the house: command line, recipe, plan, unit runner, executors, progress, release building."""
