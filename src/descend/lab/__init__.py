"""The lab: a page on which a model is seen to learn, with the real engine behind it."""
