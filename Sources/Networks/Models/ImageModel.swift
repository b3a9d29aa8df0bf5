// What every family of models can do.
import Core
import Kernels

/// The memory that one worker needs to run a model: activations, and for training their gradients.
public protocol ModelWorkspace: AnyObject {
  /// The network's outputs of the images last run, one map each.
  var logits: [FeatureMap] { get }
  /// Where the likelihood leaves ∂nats/∂logits; empty in a workspace for evaluation.
  var logitGradients: [FeatureMap] { get }
  /// Where features are left out while training; nil where none are.
  var dropout: Dropout? { get }
  /// Bytes of all maps.
  var byteCount: Int { get }
}

/// What a workspace keeps.
public enum WorkspacePurpose: Sendable {
  /// Activations are kept for a backward pass; `dropout` is the share of features left out, from 0 to below 1.
  case training(dropout: Double = 0)
  /// Nothing is kept that the next layer does not read.
  case evaluation

  var plan: PlanPurpose {
    switch self {
    case .training(let dropout): .training(dropout: dropout)
    case .evaluation: .evaluation
    }
  }
}

/// A network that predicts each pixel from those before it in raster order. A model is a description: it holds no
/// weights and no activations, so one value serves all threads.
public protocol ImageModel: Sendable {
  /// What the model is.
  var configuration: ModelConfiguration { get }
  /// Its parameters.
  var layout: ParameterLayout { get }
  /// What each layer costs, in the order of the forward pass.
  var layerCosts: [LayerCost] { get }
  /// The layers whose outputs and gradients can be watched.
  var flowLayers: [FlowLayer] { get }
  /// Which pixels (H×W, by rows) the output at row `y`, column `x` of layer number `layer` of `layerCosts` can see; nil:
  /// of the whole network.
  func context(y: Int, x: Int, throughLayer layer: Int?) -> [Bool]
  /// Steps of the whole network that must follow one another.
  var sequentialSteps: SequentialSteps { get }
  /// PyTorch's name of every tensor, by ours: what `scanline import` reads.
  var pyTorchNames: [String: String] { get }
  /// Images that one forward pass takes together.
  var imagesTogether: Int { get }

  /// Fresh parameters, a function of `seed` alone.
  func initialParameters(seed: UInt64) -> ParameterVector
  /// Room for the parameters in the order of the kernels.
  func makePackedParameters() -> PackedParameters
  /// Brings the parameters into the order of the kernels.
  func pack(_ parameters: ParameterVector, into packed: PackedParameters, threads: Int)
  /// Room for a gradient in the order of the kernels, zero.
  func makePackedGradient() -> AlignedBuffer
  /// Brings a gradient back into the order of the parameters.
  func unpackGradient(_ packed: AlignedBuffer, into gradient: ParameterVector, threads: Int)
  /// Memory for one worker.
  func makeWorkspace(_ purpose: WorkspacePurpose) -> any ModelWorkspace

  /// Memory to go through `images` images pixel by pixel.
  func makePixelRunner(images: Int) -> PixelRunner

  /// Runs `images` of `batch` (at most `imagesTogether`) and leaves their logits in `workspace`.
  func forward(
    _ batch: ImageBatch, images: Range<Int>, packed: PackedParameters, workspace: any ModelWorkspace)
  /// Given ∂nats/∂logits in `workspace` after `forward`, adds ∂nats/∂parameters to `gradient`. `observer`, where there
  /// is one, is told what each layer gave and got; the result is the same.
  func backward(
    images: Range<Int>, packed: PackedParameters, workspace: any ModelWorkspace, into gradient: AlignedBuffer,
    observer: FlowObserver?)
  /// The Jacobians of the layers at one image, in the order of the forward pass: links of the chain to the logits, and
  /// their parts.
  func linearized(_ batch: ImageBatch, image: Int, parameters: ParameterVector) -> [LinearizedLayer]
  /// How gradient flows back along the diagonals of recurrences, for the images last run in `workspace` for training;
  /// `scratch` is a packed gradient that nobody needs. Empty for other models.
  func diagonalFlow(
    images: Int, packed: PackedParameters, workspace: any ModelWorkspace, scratch: AlignedBuffer
  ) -> [DiagonalFlow]
}

extension ImageModel {
  /// Which pixels the output at row `y`, column `x` can see.
  public func context(y: Int, x: Int) -> [Bool] { context(y: y, x: x, throughLayer: nil) }

  /// None.
  public func diagonalFlow(
    images: Int, packed: PackedParameters, workspace: any ModelWorkspace, scratch: AlignedBuffer
  ) -> [DiagonalFlow] { [] }

  /// The distribution of a pixel given the logits there.
  public var likelihood: any Likelihood { configuration.pixelLikelihood }

  /// `count` images of levels drawn evenly, of the classes in turn: noise to test and to measure with.
  public func noise(_ random: Philox, count: Int) -> ImageBatch {
    var batch = ImageBatch(noise: random, shape: configuration.shape, count: count, levels: configuration.levels)
    if configuration.classCount > 0 { batch.classes = (0..<count).map { $0 % configuration.classCount } }
    return batch
  }

  /// `parameters` packed.
  public func packed(_ parameters: ParameterVector) -> PackedParameters {
    let packed = makePackedParameters()
    pack(parameters, into: packed, threads: 1)
    return packed
  }
}
