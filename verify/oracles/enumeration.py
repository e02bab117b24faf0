"""Exact expectations by enumerating every sign path of Algorithm 1 in rational arithmetic."""

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class RationalHuber:
    """The one-dimensional Huber problem with additive noise, b = 1 and rho = 0, in rationals.

    f has slope L x where |L x| <= G_f and constant slope beyond; a sample adds +-sigma, each sign
    with probability 1/2; G = G_f + sigma. v_{-1} = m_{-1} = 0 and v_hat_{-1} = eps^2.
    """

    L: Fraction
    sigma: Fraction
    G: Fraction
    eps: Fraction
    gamma: Fraction
    beta1: Fraction = Fraction(0)
    beta2: Fraction = Fraction(999, 1000)
    x0: Fraction = Fraction(0)

    def gradient(self, x: Fraction) -> Fraction:
        """Return f'(x)."""
        limit = self.G - self.sigma
        return max(-limit, min(limit, self.L * x))

    def mean_grad_norm2(self, T: int) -> Fraction:
        """Return (1/T) sum_{t<T} E f'(x_t)^2, all 2^(T-1) sign paths enumerated.

        Raises
        ------
        ValueError
            If v_hat leaves eps^2 on a path: its root need not be rational.
        """

        def below(t: int, x: Fraction, m: Fraction, v: Fraction) -> Fraction:
            u = self.gradient(x)
            if t == T - 1:
                return u**2
            later = Fraction(0)
            for sign in (-1, 1):
                g = u + sign * self.sigma
                m_t = self.beta1 * m + (1 - self.beta1) * g
                v_t = self.beta2 * v + (1 - self.beta2) * g**2
                if v_t > self.eps**2:
                    raise ValueError(f"v = {v_t} exceeds eps^2 = {self.eps**2}")
                later += below(t + 1, x - self.gamma * m_t / self.eps, m_t, v_t)
            return u**2 + later / 2

        return below(0, self.x0, Fraction(0), Fraction(0)) / T
