// Several models as one: each is drawn with the same probability, and then an image from it.
import Kernels

/// −log p of each image under the even mixture of K models, p = 1/K Σ pₖ, given `members`, the nats of each model. Exact: the
/// mixture is a distribution as its members are. It costs an image at most ln K more than the best member does.
package func evenMixtureNats(_ members: [[Double]]) -> [Double] {
  guard let first = members.first else { preconditionFailure("a mixture of nothing") }
  precondition(members.allSatisfy { $0.count == first.count }, "models that scored different images")
  let logCount = naturalLogarithm(Double(members.count))
  return first.indices.map { image in
    let nats = members.map { $0[image] }
    let least = nats.min() ?? 0
    // The largest term is 1, so the sum is 1 or more.
    return least + logCount - naturalLogarithm(nats.reduce(0) { $0 + exponentialOfNegative(least - $1) })
  }
}
