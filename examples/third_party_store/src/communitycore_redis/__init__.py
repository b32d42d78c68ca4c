"""communitycore's store on Redis; see README.md for how it works."""

from communitycore_redis.store import RedisStore, open_store

__all__ = ["RedisStore", "open_store"]
