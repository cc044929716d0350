"""The optimizer, free of host synchronization so that a whole step fits into one CUDA graph: Muon for matrices, Adam for the rest.

Learning rates and Adam's corrections come in a device tensor: [matrix rate, other rate, 1 - beta1^t, 1 - beta2^t].
"""
import torch

MOMENTUM, DECAY, BETA1, BETA2 = 0.95, 0.1, 0.9, 0.95


def orthogonal(x):
    """Newton-Schulz iteration towards the nearest orthogonal matrices of x [n, rows, columns], rows <= columns."""
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(5):
        a = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(a, a, a, beta=-4.7750, alpha=2.0315), x, beta=3.4445)
    return x


class Optimizer:
    def __init__(self, w):
        self.matrices = [v for k, v in w.items() if k[0] == "w"]
        self.rest = [v for k, v in w.items() if k[0] != "w"]
        self.momentum = [torch.zeros_like(p) for p in self.matrices]
        self.first, self.second = ([torch.zeros_like(p) for p in self.rest] for _ in range(2))

    def clear(self):
        """Forgets the past steps."""
        for t in self.momentum + self.first + self.second:
            t.zero_()

    @torch.no_grad()
    def step(self, hyper):
        self.step_matrices(hyper[0])
        self.step_rest(hyper[1], hyper[2], hyper[3])

    def step_matrices(self, rate):
        """Momentum, orthogonalized; stacks of equal shape go together, tall ones lying down."""
        grads, groups = [p.grad for p in self.matrices], {}
        torch._foreach_mul_(self.momentum, MOMENTUM)
        torch._foreach_add_(self.momentum, grads)
        for p, x in zip(self.matrices, torch._foreach_add(grads, self.momentum, alpha=MOMENTUM)):
            x = x.bfloat16() if x.is_cuda else x
            x = x.mT if x.shape[-2] > x.shape[-1] else x
            groups.setdefault(x.shape[1:], []).append((p, x))
        for shape, members in groups.items():
            made = orthogonal(torch.cat([x for _, x in members])).float()
            for (p, _), u in zip(members, made.split([len(x) for _, x in members])):
                u = u if u.shape == p.shape else u.mT
                p.mul_(1 - rate * DECAY).sub_(u * (rate * 0.2 * max(shape) ** 0.5))

    def step_rest(self, rate, correct1, correct2):
        grads = [p.grad for p in self.rest]
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(grads)))
        torch._foreach_mul_(grads, torch.clamp(1 / (norm + 1e-6), max=1.0))
        torch._foreach_lerp_(self.first, grads, 1 - BETA1)
        torch._foreach_mul_(self.second, BETA2)
        torch._foreach_addcmul_(self.second, grads, grads, 1 - BETA2)
        for p, m, v in zip(self.rest, self.first, self.second):
            p.sub_(rate * (m / correct1) / ((v / correct2).sqrt() + 1e-9))


def hyper(step, matrix_rate, rest_rate):
    """The numbers of a step, counted from 1."""
    return [matrix_rate, rest_rate, 1 - BETA1 ** step, 1 - BETA2 ** step]
