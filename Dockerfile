FROM python:3.13-slim AS build
COPY requirements/server.txt /tmp/server.txt
RUN python -m venv --without-pip /venv
RUN python -m pip --python /venv/bin/python install --no-cache-dir --disable-pip-version-check --require-hashes --requirement /tmp/server.txt
# The command `reviewer`, as an installation of the package would make it: docker exec reviewer reviewer jobs list
RUN printf '#!/bin/sh\nexec /venv/bin/python /srv/reviewer/app.py "$@"\n' > /venv/bin/reviewer && chmod +x /venv/bin/reviewer

FROM python:3.13-slim
# All that is ever written goes to the volume /data, so that the root file system may be read-only.
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    REVIEWER_DATA_DIR=/data \
    TMPDIR=/data
# A number, so that Kubernetes can see that it is not root (runAsNonRoot).
RUN install --directory --owner=10001 --group=10001 --mode=0700 /data
COPY --from=build /venv /venv
WORKDIR /srv/reviewer
COPY LICENSE app.py gunicorn.conf.py ./
COPY prompts prompts
COPY reviewer reviewer
COPY webhooks webhooks
USER 10001:10001
VOLUME /data
EXPOSE 8000
# Fits the role: /healthz of a process that accepts deliveries, the sign of life of a worker.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["python", "webhooks/operating/health.py"]
# Of a worker it is: reviewer worker
CMD ["gunicorn", "--config", "gunicorn.conf.py", "app:create_app()"]
