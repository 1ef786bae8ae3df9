"""What every stage needs and no model: errors, commands, progress, tables, JSON files, outputs."""
