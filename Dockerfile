# The harness with its Node and Chromium adapters. Results are written to /reports:
#   docker build -t clasp-e2e . && docker run --rm -v "$PWD/reports:/reports" clasp-e2e run --peer node
FROM python:3.12-slim-bookworm

RUN apt-get update \
    && apt-get install --yes --no-install-recommends nodejs npm chromium-headless-shell \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /harness
COPY . .
RUN pip install --no-cache-dir -c constraints.txt . \
    && useradd --create-home judge \
    && mkdir /reports \
    && chown judge /reports

USER judge
RUN clasp-e2e build-adapter node && clasp-e2e build-adapter browser
WORKDIR /
ENTRYPOINT ["clasp-e2e"]
CMD ["run"]
