"""The ward: runs with a known illness, and healthy ones, to examine the doctor with."""

from tests.ward.patient import CODES as CODES
from tests.ward.patient import Patient as Patient
from tests.ward.taking_in import patients as patients
