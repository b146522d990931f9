"""Who links to an applicant's sites: exports of five tools, the open domain graph, links checked by looking."""
