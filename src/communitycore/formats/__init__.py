"""Readers and writers of other people's formats: text in, text out, no files and no network."""
