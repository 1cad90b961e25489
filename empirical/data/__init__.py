"""Where inputs come from: data that ship, folders of the user's, pictures."""
