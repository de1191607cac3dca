"""Inference: standard errors, tests and intervals of a linear model's coefficients.

With A = [X 1], w the weights (k copies are weight k) and l the loss of a row, minus its log
likelihood up to a constant, the observed information at the optimum and the covariance are

    J = Σ w_i l''(s_i) a_i a_iᵀ          covariance J⁻¹          logistic, softmax, poisson
    J = AᵀWA                             covariance σ² J⁻¹       squared errors

with σ² = Σ w e²/(Σ w - p).  J is never formed.  Columns are centred and scaled, whatever the run
did with them, B = [(X - m)/s 1] = A C; Householder's QR of its weighted rows gives J = RᵀR in those
units; and a coefficient in the column's own unit, of the linear map T, has the covariance
(T R⁻¹)(T R⁻¹)ᵀ, a sum of squares in which nothing cancels.

The optimum is found in the same units: outright for squared errors, by damped Newton steps from the
run's own parameters else.  `Run.optimum`, which searches in the run's units, would lose digits on
columns such as 10⁶ ± 10⁻⁶.  The run has to be there already, within a thousandth of a standard
error: this is about the run, and does not train.

References: P. McCullagh and J. Nelder, "Generalized linear models", 2nd ed. (1989), sections 2.5
and 4.4; G. Golub and C. Van Loan, "Matrix computations", 4th ed. (2013), section 5.3; A. Albert and
J. Anderson, "On the existence of maximum likelihood estimates in logistic regression models",
Biometrika 71 (1984).
"""

from descend.inference.asking import inference as inference
from descend.inference.table import Inference as Inference
