"""A choice of options with the pairs that serve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .....models.formulation import BoolArray, FloatArray, IntArray
from .....models.siting.allocation import Allocation, SplitAllocation
from .form import Form


@dataclass(frozen=True, eq=False)
class Plan:
    """
    A solution of a :class:`.form.Form`.

    Parameters
    ----------
    options
        Chosen options.
    option, client, share
        Pairs that serve and the share of the client, shape (pairs,).
    """

    options: IntArray
    option: IntArray
    client: IntArray
    share: FloatArray

    @classmethod
    def single(cls, options: IntArray, option_of_client: IntArray) -> Plan:
        """Make a plan in which one option serves all of a client."""
        count = option_of_client.size
        return cls(options, option_of_client, np.arange(count), np.ones(count))

    def cost(self, form: Form) -> float:
        """Cost of the options and of serving."""
        serving = form.costs[self.option, self.client] * self.share
        return float(form.fixed[self.options].sum() + serving.sum())

    def is_open(self, form: Form) -> BoolArray:
        """Whether each site is open, shape (sites,)."""
        return self.is_open_at(form, self.options)

    @staticmethod
    def is_open_at(form: Form, options: IntArray) -> BoolArray:
        """Whether each site is open with these options, shape (sites,)."""
        is_open = np.zeros(form.num_sites, dtype=bool)
        is_open[form.site[options]] = True
        return is_open

    def allocation(self, form: Form, *, split: bool) -> Allocation | SplitAllocation:
        """Return the plan as sites and clients."""
        is_open, site = self.is_open(form), form.site[self.option]
        if split:
            share = np.zeros((form.num_clients, form.num_sites))
            share[self.client, site] = self.share
            return SplitAllocation(is_open, share)
        site_of_client = np.full(form.num_clients, -1, dtype=np.int64)
        most = np.argsort(self.share, kind="stable")
        site_of_client[self.client[most]] = site[most]
        return Allocation(is_open, site_of_client)
