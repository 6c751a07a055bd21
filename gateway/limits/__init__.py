"""What one request may cost: the limits, the shape of its document, its rows and its time. ``house``: how many there may be at a time."""

from gateway.limits.cost import Budget
from gateway.limits.deadline import Deadline
from gateway.limits.limits import Limits
from gateway.limits.shape import Shape, check_shape, measure

__all__ = ["Budget", "Deadline", "Limits", "Shape", "check_shape", "measure"]
