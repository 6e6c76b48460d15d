import torch
from scipy.special import betainc

from tenfma.crystal.weights import smooth_cutoff


def derivatives(function, x, orders):
    """Value and derivatives of an elementwise function at the points x, by autograd."""
    x = x.clone().requires_grad_()
    values = [function(x)]
    for _ in range(orders):
        values.append(torch.autograd.grad(values[-1].sum(), x, create_graph=True)[0])
    return [value.detach() for value in values]


def quadratic_fade(x):
    """A wrong twin: (1 − x)² has a jump in its second derivative at the cutoff."""
    return torch.where(x < 1, (1 - x) ** 2, torch.zeros_like(x))


def largest_at_cutoff(function):
    """The largest value of each derivative up to the second just inside the cutoff."""
    return [float(d.abs().max()) for d in derivatives(function, torch.tensor([1 - 1e-6]).double(), 2)]


def test_is_the_incomplete_beta_function():
    x = torch.linspace(0, 1, 101, dtype=torch.float64)
    assert torch.allclose(smooth_cutoff(x), 1 - torch.tensor(betainc(8, 4, x.numpy())), atol=1e-13)


def test_value_and_two_derivatives_vanish_at_the_cutoff():
    assert max(largest_at_cutoff(smooth_cutoff)) < 1e-5
    assert max(largest_at_cutoff(quadratic_fade)) > 1


def test_nothing_remains_beyond_the_cutoff():
    for value in derivatives(smooth_cutoff, torch.tensor([1.0 + 1e-9, 1.5, 20.0]).double(), 3):
        assert (value == 0).all()


def test_decreases_from_one_to_zero():
    w = smooth_cutoff(torch.linspace(0, 1, 1001, dtype=torch.float64))
    assert w[0] == 1
    assert w[-1] == 0
    assert (torch.diff(w) < 1e-15).all()
    assert smooth_cutoff(torch.tensor(0.45)) > 0.9
