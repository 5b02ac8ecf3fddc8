"""The numbers: films beside the recipes people would use instead, and every real and hostile file through the craft.

What `walkaround bench` runs is a list of sections. A section is a value (`section.Section`: name, title, order,
function) that a room of any floor names in pyproject.toml under `[project.entry-points."walkaround.bench"]`; its
function takes a `Context` and returns a `Report`: tables, numbers for the target table by the keys of
`targets.TARGETS`, plots as SVG text, and anything else for JSON. After a new entry point the package is installed
again, as after a new command.
"""
