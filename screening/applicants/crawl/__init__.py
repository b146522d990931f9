"""The guarded crawl of what applicants declare.

`open_crawler` opens what threads share, `crawl_many` crawls applications, `crawl_site` one site, and
`Crawler.look_at` fetches a single page.
"""
