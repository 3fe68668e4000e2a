"""hnswlib's graph and search a second time: its file read number by number, and the paper's search with sorted lists.

Source: Malkov and Yashunin, 2016 (arXiv:1603.09320), algorithms 2 and 5.
"""

import tempfile
from bisect import insort
from pathlib import Path

import numpy as np

from tests.support.forged_graphs import GraphBytes


class GraphByHand:
    """The graph of an index by ids: vectors (n, dim), levels, entry_point, and links of each layer, id -> ids."""

    def __init__(self, index):
        with tempfile.TemporaryDirectory() as folder:
            index.save(Path(folder, "graph"))
            file = GraphBytes(Path(folder, "graph").read_bytes())
        ids = [file.get(file.label(row), "Q") for row in range(file.n)]
        self.n, self.m, self.top, start = file.n, file.m, file.header["max_level"], file.header["entry_point"]
        self.levels = [level for _, level in sorted(zip(ids, file.levels, strict=True))]
        vectors = [np.frombuffer(file.data, "<f4", index.dimension, file.vector(row)) for row in range(file.n)]
        self.vectors = np.array(vectors)[np.argsort(ids)] if vectors else np.empty((0, index.dimension))
        self.entry_point = ids[start] if ids else -1
        self.links = [
            {
                ids[row]: [ids[target] for target in file.targets(row, layer)]
                for row in range(file.n)
                if file.levels[row] >= layer
            }
            for layer in range(self.top + 1)
        ]

    def reached(self):
        """Return the nodes that links lead to from the entry point, on each layer and down to the one below."""
        queue = [(self.top, self.entry_point)] if self.n else []
        seen = set(queue)
        for layer, node in queue:
            below = [(layer - 1, node)] if layer else []
            fresh = set(below + [(layer, other) for other in self.links[layer][node]]) - seen
            seen |= fresh
            queue += fresh
        return {node for layer, node in seen if layer == 0}

    def search(self, distances, width):
        """Search with a distance for each node.

        Return each expansion as (layer, node, looked_at, kept, distances computed so far), kept being (distance, node)
        sorted, and the `width` nearest as such. As in the paper only if no two distances are equal.
        """
        steps, node, count = [], self.entry_point, 1
        for layer in range(self.top, 0, -1):
            moved = True
            while moved:
                around = self.links[layer][node]
                count += len(around)
                best = min([node, *around], key=distances.__getitem__)
                steps.append((layer, node, tuple(around), [(distances[best], best)], count))
                moved, node = best != node, best
        count += 1  # hnswlib computes the distance of the start again
        nearest, waiting, seen = [(distances[node], node)], [(distances[node], node)], {node}
        while waiting and (len(nearest) < width or waiting[0][0] <= nearest[width - 1][0]):
            _, node = waiting.pop(0)
            fresh = [other for other in self.links[0][node] if other not in seen]
            seen.update(fresh)
            count += len(fresh)
            for other in fresh:
                insort(nearest, (distances[other], other))
                insort(waiting, (distances[other], other))
            steps.append((0, node, tuple(fresh), nearest[:width], count))
        return steps, nearest[:width]
