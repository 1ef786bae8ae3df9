"""Allowed operations: what the graph of a SavedModel may do that someone else made, read before it is run.

A SavedModel is a program: TensorFlow's operations can read, write and delete files, call Python, and open
connections. So a graph is refused that holds another operation than those listed here. What is allowed is
listed, as a list of what is forbidden would miss what later versions of TensorFlow bring, and TensorFlow's
own mark of side effects (`is_stateful`) misses operations such as ReadFile and DebugIdentity. The operations
that save and restore variables, which every SavedModel has, may not be part of anything that can be called.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.tfhub import SAVED_MODEL
from smaller_labse.originals.weights.saved_model_graph import read_graph

if TYPE_CHECKING:
    from tensorflow.core.framework.function_pb2 import FunctionDef
    from tensorflow.core.framework.node_def_pb2 import NodeDef
    from tensorflow.core.protobuf.meta_graph_pb2 import AssetFileDef, MetaGraphDef

VARIABLES = "VarHandleOp ReadVariableOp AssignVariableOp VarIsInitializedOp ResourceGather ResourceGatherNd"
TABLES = (
    "HashTableV2 MutableHashTableV2 MutableDenseHashTableV2 InitializeTableV2 "
    "InitializeTableFromTextFileV2 LookupTableFindV2 LookupTableSizeV2 LookupTableExportV2 "
    "LookupTableImportV2 LookupTableInsertV2"
)
CONTROL_FLOW = (
    "PartitionedCall StatefulPartitionedCall If StatelessIf While StatelessWhile Case StatelessCase "
    "Assert NoOp Identity IdentityN Placeholder PlaceholderWithDefault PreventGradient StopGradient "
    "CheckNumerics EnsureShape"
)
RANDOM = (
    "RandomUniform RandomUniformInt RandomStandardNormal TruncatedNormal StatelessRandomUniformV2 "
    "StatelessRandomGetKeyCounter"
)
MATHEMATICS = (
    "Abs Add AddN AddV2 All Any ArgMax ArgMin BatchMatMul BatchMatMulV2 BatchMatMulV3 BiasAdd Bucketize "
    "Ceil ClipByValue Cos Cumsum Div DivNoNan Einsum Elu Equal Erf Erfc Exp Expm1 Floor FloorDiv FloorMod "
    "FusedBatchNormV3 Greater GreaterEqual IsFinite IsInf IsNan L2Loss LeakyRelu Less LessEqual LinSpace "
    "Log Log1p LogSoftmax LogicalAnd LogicalNot LogicalOr MatMul Max Maximum Mean Min Minimum Mod Mul "
    "MulNoNan Neg NotEqual Pow Prod RealDiv Reciprocal Relu Relu6 Round Rsqrt Selu Sigmoid Sign Sin "
    "Softmax Softplus Softsign Sqrt Square SquaredDifference Sub Sum Tan Tanh TopKV2 TruncateDiv "
    "TruncateMod Xdivy Xlogy"
)
SHAPES = (
    "Bitcast BroadcastArgs BroadcastTo Cast ConcatV2 Const DynamicPartition DynamicStitch Empty "
    "ExpandDims Fill GatherNd GatherV2 InvertPermutation MatrixBandPart MirrorPad OneHot OnesLike Pack "
    "Pad PadV2 ParallelConcat Range Rank Reshape ReverseSequence ReverseV2 Roll ScatterNd SegmentMax "
    "SegmentMean SegmentMin SegmentProd SegmentSum Select SelectV2 Shape ShapeN Size Slice Split SplitV "
    "Squeeze StridedSlice TensorScatterAdd TensorScatterUpdate Tile Transpose Unique UniqueV2 "
    "UniqueWithCounts Unpack UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentProd UnsortedSegmentSum "
    "Where ZerosLike"
)
RAGGED = (
    "RaggedCross RaggedGather RaggedRange RaggedTensorFromVariant RaggedTensorToSparse "
    "RaggedTensorToTensor RaggedTensorToVariant SparseFillEmptyRows SparseReorder SparseReshape "
    "SparseSlice SparseTensorDenseMatMul SparseToDense TensorListConcatV2 TensorListElementShape "
    "TensorListFromTensor TensorListGetItem TensorListLength TensorListPushBack TensorListReserve "
    "TensorListSetItem TensorListStack"
)
TEXT = (
    "AsString ReduceJoin RegexFullMatch RegexReplace ShardedFilename StaticRegexFullMatch "
    "StaticRegexReplace StringFormat StringJoin StringLength StringLower StringNGrams StringSplit "
    "StringSplitV2 StringStrip StringToHashBucketFast StringToHashBucketStrong StringToNumber StringUpper "
    "Substr UnicodeDecode UnicodeDecodeWithOffsets UnicodeEncode UnicodeScript UnicodeTranscode "
    "UnsortedSegmentJoin"
)
TOKENIZERS = (
    "CaseFoldUTF8 ConstrainedSequence FastBertNormalize FastWordpieceTokenizeWithOffsets "
    "FindSourceOffsets NormalizeUTF8 NormalizeUTF8WithOffsetsMap RegexSplitWithOffsets "
    "SentencepieceDetokenizeOp SentencepieceIdToStringOp SentencepieceOp SentencepieceStringToIdOp "
    "SentencepieceTokenizeOp SentencepieceTokenizeWithOffsetsOp SentencepieceVocabSizeOp "
    "SplitMergeTokenizeWithOffsets TFText>FastWordpieceDetokenize TFText>RoundRobinGenerateMasks "
    "TFText>RoundRobinTrim TFText>WhitespaceTokenizeWithOffsetsV2 UnicodeScriptTokenizeWithOffsets "
    "WhitespaceTokenizeWithOffsets WordpieceTokenizeWithOffsets"
)
ALLOWED = frozenset(
    " ".join((VARIABLES, TABLES, CONTROL_FLOW, RANDOM, MATHEMATICS, SHAPES, RAGGED, TEXT, TOKENIZERS)).split()
)
SAVING = frozenset({"SaveV2", "RestoreV2", "MergeV2Checkpoints", "DisableCopyOnRead"})
RESTORING = frozenset({"RestoreV2", "DisableCopyOnRead"})
STARTED = ("saved_model_main_op", "legacy_init_op")  # collections: what is run when TensorFlow 1's are loaded
ASSETS = "saved_model_assets"  # likewise, of the assets
TABLE_FROM_FILE = "InitializeTableFromTextFileV2"


def load_saved_model(folder: Path) -> Any:
    """Load a SavedModel of whatever origin.

    Args:
        folder: the SavedModel's folder.

    Raises:
        SmallerLabseError: it can do what a text encoder need not do, or is damaged.
    """
    import tensorflow as tf

    require_harmless(folder)
    try:
        return tf.saved_model.load(str(folder))
    except Exception as error:  # of a damaged graph TensorFlow raises whatever its parts raise
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise SmallerLabseError(
            f"{folder}: cannot be loaded ({reason}); is it complete? get it again"
        ) from error


def require_harmless(folder: Path) -> None:
    """Refuse a SavedModel that could reach files, processes, Python or the network when it is run.

    Args:
        folder: the SavedModel's folder; nothing in it is run.

    Raises:
        SmallerLabseError: it names an operation that is not allowed, or a file outside its folder.
    """
    file = folder / SAVED_MODEL
    for meta_graph in read_graph(folder).meta_graphs:
        functions = {function.signature.name: function for function in meta_graph.graph_def.library.function}
        for where, node in _nodes(meta_graph):
            if node.op not in ALLOWED and node.op not in SAVING and node.op not in functions:
                raise SmallerLabseError(
                    f"{file}: {where} holds the operation {node.op}, which can reach files, Python or the "
                    "network, or is unknown here; an encoder does not need it, so it is not run"
                )
        _require_no_saving(meta_graph, file)
        saving = _saving(functions)
        for name in _callable(meta_graph, functions):
            if name in saving:
                raise SmallerLabseError(
                    f"{file}: its function {name} can be called and reads or writes files; it is not run"
                )
        _require_own_files(folder, meta_graph)


def _nodes(meta_graph: MetaGraphDef) -> Iterator[tuple[str, NodeDef]]:
    """All operations, each with a name for where it stands."""
    for node in meta_graph.graph_def.node:
        yield "its graph", node
    for function in meta_graph.graph_def.library.function:
        for node in function.node_def:
            yield f"its function {function.signature.name}", node


def _called(node: NodeDef) -> Iterator[str]:
    """The functions that an operation calls."""
    yield node.op
    for value in node.attr.values():
        if value.HasField("func"):
            yield value.func.name
        yield from (function.name for function in value.list.func)


def _saving(functions: dict[str, FunctionDef]) -> set[str]:
    """The functions that save or restore, or call one that does."""
    calls = {
        name: {called for node in function.node_def for called in _called(node)}
        for name, function in functions.items()
    }
    saving = {name for name, called in calls.items() if called & SAVING}
    while more := {name for name, called in calls.items() if called & saving} - saving:
        saving |= more
    return saving


def _callable(meta_graph: MetaGraphDef, functions: dict[str, FunctionDef]) -> Iterable[str]:
    """The functions that a loaded model offers, or runs while it is loaded."""
    for node in meta_graph.object_graph_def.nodes:
        if node.HasField("function"):
            yield from node.function.concrete_functions
        if node.HasField("bare_concrete_function"):
            yield node.bare_concrete_function.concrete_function_name
    # Without objects, what is called is the graph itself.
    for node in _reached(meta_graph, _results(meta_graph)):
        yield from (called for called in _called(node) if called in functions)


def _results(meta_graph: MetaGraphDef) -> Iterator[str]:
    """The graph's operations that are run for a result, or while it is loaded."""
    for signature in meta_graph.signature_def.values():
        yield from (output.name for output in signature.outputs.values())
    for name in STARTED:
        if name in meta_graph.collection_def:
            yield from meta_graph.collection_def[name].node_list.value


def _reached(meta_graph: MetaGraphDef, names: Iterable[str]) -> Iterator[NodeDef]:
    """The graph's operations of these names, and all that these depend on."""
    by_name = {node.name: node for node in meta_graph.graph_def.node}
    todo, seen = [name.lstrip("^").split(":")[0] for name in names], set()
    while todo:
        name = todo.pop()
        if name in seen or name not in by_name:
            continue
        seen.add(name)
        todo += [source.lstrip("^").split(":")[0] for source in by_name[name].input]
        yield by_name[name]


def _require_no_saving(meta_graph: MetaGraphDef, file: Path) -> None:
    """Refuse a graph of TensorFlow 1 that saves or restores for a result, or saves where it restores."""
    restored = [meta_graph.saver_def.restore_op_name]
    for names, refused in ((_results(meta_graph), SAVING), (restored, SAVING - RESTORING)):
        for node in _reached(meta_graph, names):
            if node.op in refused:
                raise SmallerLabseError(
                    f"{file}: its graph can be called and reads or writes files ({node.op}); it is not run"
                )


def _assets_of_tensorflow_1(meta_graph: MetaGraphDef) -> Iterator[AssetFileDef]:
    from tensorflow.core.protobuf.meta_graph_pb2 import AssetFileDef

    if ASSETS in meta_graph.collection_def:
        for value in meta_graph.collection_def[ASSETS].any_list.value:
            asset = AssetFileDef()
            value.Unpack(asset)
            yield asset


def _require_own_files(folder: Path, meta_graph: MetaGraphDef) -> None:
    """Refuse files outside the folder of assets, and tables that are read from a file that no asset is."""
    assets = [*meta_graph.asset_file_def, *_assets_of_tensorflow_1(meta_graph)]
    for asset in assets:
        if Path(asset.filename).name != asset.filename:
            raise SmallerLabseError(
                f"{folder / SAVED_MODEL}: its asset {asset.filename!r} is outside its folder; it is not read"
            )
    names = {asset.tensor_info.name.split(":")[0] for asset in assets}
    for node in meta_graph.graph_def.node:
        if node.op == TABLE_FROM_FILE and node.input[1].split(":")[0] not in names:
            raise SmallerLabseError(
                f"{folder / SAVED_MODEL}: its graph reads a table from a file that is not among its assets; "
                "it is not run"
            )
    for function in meta_graph.graph_def.library.function:
        arguments = {argument.name for argument in function.signature.input_arg}
        for node in function.node_def:
            if node.op == TABLE_FROM_FILE and node.input[1] not in arguments:
                raise SmallerLabseError(
                    f"{folder / SAVED_MODEL}: its function {function.signature.name} reads a table from a "
                    "file that is not among its assets; it is not run"
                )
