"""The computation graph of a task, drawn: shapes, and the values and gradients of a step."""

from descend.graphs.building import graph as graph
from descend.graphs.building import of_run as of_run
from descend.graphs.drawn import Edge as Edge
from descend.graphs.drawn import Graph as Graph
from descend.graphs.drawn import Node as Node
