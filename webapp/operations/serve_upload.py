"""gunicorn's settings of the `upload` process. Many threads: a stalled phone holds one until it is timed out."""

from workers.settings import settings

_settings = settings()

bind = f"{_settings.web_host}:{_settings.upload_port}"
worker_class = "webapp.operations.clients.Worker"
workers = 1
threads = _settings.upload_threads
keepalive = 15  # s
graceful_timeout = 2  # s
timeout = 60  # s without a sign of life of the worker itself
control_socket_disable = True
worker_tmp_dir = "/dev/shm"  # noqa: S108  the heartbeat file must not wait for a disk
loglevel = "warning"
