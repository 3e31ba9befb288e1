# Countersign as an image. docs/running.md says how to run it; what is not in .dockerignore's list does not come in.
FROM python:3.13-slim

# Nobody in here is root, and only /data can be written.
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin countersign \
    && install --directory --owner countersign --mode 0700 /data

COPY . /usr/src/countersign
RUN pip install --no-cache-dir --root-user-action ignore "/usr/src/countersign[fast]" && rm -r /usr/src/countersign

# Inside it listens to all, because only what Docker lets through reaches it. The policy is yours, and is mounted.
# HOME is there for Slack's library, which asks for one even where the user that runs this has none.
ENV HOME=/data \
    COUNTERSIGN_HOST=0.0.0.0 \
    COUNTERSIGN_PORT=8080 \
    COUNTERSIGN_LOG=json \
    COUNTERSIGN_DATABASE_URL=sqlite:////data/countersign.db \
    COUNTERSIGN_POLICY=/etc/countersign/policy.toml

# By number, so that Kubernetes can see that it is not root.
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8080

# The process is well as long as it answers; whether Slack and the database are, /readyz says.
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"COUNTERSIGN_PORT\"]}/healthz', timeout=4)"]

# SIGTERM lets it finish what was begun; give it that time: docker stop --time 45.
STOPSIGNAL SIGTERM
CMD ["countersign", "serve"]
