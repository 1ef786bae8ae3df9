"""What every stage needs and no model: errors, commands, arguments, progress, tables of results, files."""
