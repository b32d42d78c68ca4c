"""The kernel: records, steps, commands, views and journal entries; no word of the domain stands here."""
