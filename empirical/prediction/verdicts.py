"""How a theory fared that says whether pairs are connected, against the rate at which they are."""


def verdict(iid_connected: bool, low: float, high: float) -> str:
    """How iid percolation fared: the pairs count as connected if more than half of them are (interval above 1/2).

    'agrees'; 'refuted': paths were found where it predicts none; 'not found': it predicts paths and the finder, which
    proves nothing by failing, found few; 'undecided': 1/2 lies in the interval.
    """
    if low <= 0.5 <= high:
        return "undecided"
    if iid_connected == (low > 0.5):
        return "agrees"
    return "not found" if iid_connected else "refuted"
