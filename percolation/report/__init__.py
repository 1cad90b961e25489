"""One self-contained HTML page on the experiments of a store: figures, tables, failures and provenance.

    page.write("scan.db", "report.html")

The same store gives the same bytes; nothing on the page asks the network for anything.
"""
