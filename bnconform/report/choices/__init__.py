"""The page of choices: what implementations document, whether it was measured to be true, and how a layer moves."""
