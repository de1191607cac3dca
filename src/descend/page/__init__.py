"""A run packed for the browser, and the built module that shows it."""
