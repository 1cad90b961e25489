"""One network, one kind of pairs: are they connected, and what did theory say?"""
