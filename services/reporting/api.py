"""What people may ask reporting by HTTP."""

from fastapi import APIRouter

routes = APIRouter(tags=["reporting"])
