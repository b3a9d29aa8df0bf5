// Numbers that are not finite stop a run before they reach the weights.
import Kernels
import Networks
import Testing
import Training

@Suite struct DivergenceTests {
  /// Lets a run take `steps` steps, spoils its parameters, and gives the error of the next step. Checks that this step
  /// changed nothing and that nothing was saved.
  private func divergence(afterSteps steps: Int, _ spoil: (ParameterVector) -> Void) throws -> ScanlineError? {
    var run = TinyRun()
    run.options.evaluationInterval = 1000
    let trainer = try run.trainer()
    if steps == 0 { spoil(trainer.adam.parameters) }
    var before = bits(trainer.adam)
    let error = failure {
      _ = try trainer.run(
        request: { .none },
        save: { _, _ in
          Issue.record("a diverged run was saved")
          return ""
        },
        report: { _ in
          guard trainer.adam.step == steps else { return }
          spoil(trainer.adam.parameters)
          before = bits(trainer.adam)
        })
    }
    #expect(trainer.adam.step == steps)
    #expect(bits(trainer.adam) == before, "nothing may be updated")
    #expect(error?.kind == .diverged && error?.kind.rawValue == 76)
    #expect(error?.expected == "finite numbers at step \(steps + 1)")
    return error
  }

  @Test(arguments: [0, 3], [Float.nan, .infinity])
  func aWeightIsNamed(steps: Int, value: Float) throws {
    let error = try divergence(afterSteps: steps) { set($0, "blocks.1.conv.weight", to: value, at: 0) }
    #expect(error?.found.hasPrefix("weights blocks.1.conv.weight that are not finite") == true)
  }

  @Test(arguments: [0, 3])
  func aLossIsNotTakenForAGradient(steps: Int) throws {
    // Finite weights whose products are not.
    let error = try divergence(afterSteps: steps) { set($0, "head.hidden.weight", to: 3e38) }
    #expect(error?.found.hasPrefix("a loss that is not finite") == true, "\(String(describing: error))")
  }

  /// The layer where the backward pass left the finite numbers is named, not the layers that it reached after that
  /// and spoilt in turn.
  @Test(arguments: [0, 3])
  func theLayerThatAGradientOverflowsInIsNamed(steps: Int) throws {
    let error = try divergence(afterSteps: steps) { parameters in
      // Forward, 10⁻³⁶ meets 3·10³⁸: some hundreds, and the head stays finite. Backward, the gradient of a pixel
      // of level 0, some tens at the block's end, meets 3·10³⁸ alone.
      set(parameters, "blocks.1.conv.weight", to: 0)
      set(parameters, "blocks.1.conv.bias", to: 1e-36)
      set(parameters, "blocks.1.expand.weight", to: 3e38)
      set(parameters, "head.hidden.weight", to: 1)
      set(parameters, "head.logits.weight", to: 1)
    }
    #expect(
      error?.found.hasPrefix("a gradient of blocks.1.conv.bias that is not finite") == true,
      "\(String(describing: error))")
  }

  /// Weights that give no finite score are neither reported as a result nor saved.
  @Test func aHeldOutScoreThatIsNotFiniteStopsTheRun() throws {
    let spoilt = [
      ([("head.logits.bias", Float.nan)], "averaged weights head.logits.bias that are not finite"),
      // Finite, but their products are not.
      ([("head.hidden.bias", 3e38), ("head.logits.weight", 3e38)], "of 4 that are not"),
    ]
    for (tensors, found) in spoilt {
      var run = TinyRun()
      run.options.evaluationInterval = 3
      let trainer = try run.trainer()
      let error = failure {
        _ = try trainer.run(
          request: { .none },
          save: { _, _ in
            Issue.record("a diverged run was saved")
            return ""
          },
          report: {
            if case .evaluated = $0 { Issue.record("no figure may be reported") }
            guard trainer.adam.step == 2 else { return }
            for (name, value) in tensors { set(trainer.adam.average, name, to: value) }
          })
      }
      #expect(error?.kind == .diverged && trainer.adam.step == 3)
      #expect(error?.expected == "finite nats of held-out images after step 3")
      #expect(error?.found.contains(found) == true, "\(String(describing: error))")
    }
  }

  /// Sets the live elements of the tensor `name`, or only the one at `place`.
  private func set(_ parameters: ParameterVector, _ name: String, to value: Float, at place: Int? = nil) {
    for slice in parameters.layout.slices where slice.name == name {
      for i in 0..<slice.count where (slice.live?[i] ?? true) && (place ?? i) == i {
        parameters.storage[slice.offset + i] = value
      }
      return
    }
    Issue.record("no tensor \(name)")
  }
}
