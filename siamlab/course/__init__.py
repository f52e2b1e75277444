"""The series of notebooks: their list, their headless run, and the table of their results."""
