"""Work that no request waits for: one list of tasks, done by a loop in this process or by Celery."""
