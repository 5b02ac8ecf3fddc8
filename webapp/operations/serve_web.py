"""gunicorn's settings of the `web` process. Threads, because a request waits for rows and bytes, not for the CPU."""

from workers.settings import settings

_settings = settings()

bind = f"{_settings.web_host}:{_settings.web_port}"
worker_class = "webapp.operations.clients.WebWorker"
workers = 1
threads = _settings.web_threads
keepalive = 15  # s; a player asks for a segment every 4 s
graceful_timeout = 2  # s
timeout = 60  # s without a sign of life of the worker itself
control_socket_disable = True
worker_tmp_dir = "/dev/shm"  # noqa: S108  the heartbeat file must not wait for a disk
loglevel = "warning"
