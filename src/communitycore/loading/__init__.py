"""Loading what others keep in files: grids and service requests, through the same commands as everything else."""

from communitycore.loading.grids import GridsLoaded, More, load_grids
from communitycore.loading.requests import Actors, RequestsLoaded, load_requests

__all__ = ["Actors", "GridsLoaded", "More", "RequestsLoaded", "load_grids", "load_requests"]
