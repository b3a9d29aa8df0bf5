// Which images a step sees, and at which learning rate: functions of the step alone.
import Foundation
import Kernels
import Testing
import Training

@Suite struct BatchSamplerTests {
  @Test(arguments: [(46, 12), (48, 12), (7, 1), (5, 64), (64, 64)])
  func everyEpochShowsNoImageTwice(images: Int, batch: Int) {
    var order = BatchSampler(images: images, batchSize: batch, seed: 3)
    #expect(order.batchSize == min(batch, images) && order.stepsPerEpoch == images / min(batch, images))
    var epochs: [[Int]] = []
    for epoch in 0..<4 {
      var seen: [Int] = []
      for step in 0..<order.stepsPerEpoch {
        let number = epoch * order.stepsPerEpoch + step
        #expect(order.epoch(ofStep: number) == epoch)
        let batch = order.batch(step: number)
        #expect(batch.count == order.batchSize)
        seen += batch
      }
      #expect(Set(seen).count == seen.count && seen.allSatisfy((0..<images).contains))
      epochs.append(seen)
    }
    if images > 6 { #expect(Set(epochs).count == 4, "every epoch has an order of its own") }
  }

  @Test func imagesLeftOutOfOneEpochComeInAnother() {
    var order = BatchSampler(images: 46, batchSize: 12, seed: 3)
    let seen = Set((0..<30).flatMap { Array(order.batch(step: $0)) })
    // An image is left out of one epoch with probability 10/46, of all ten with 2·10⁻⁷.
    #expect(seen.count == 46)
  }

  @Test func aStepDoesNotDependOnThoseBefore() {
    var inOrder = BatchSampler(images: 46, batchSize: 12, seed: 3)
    let batches = (0..<12).map { Array(inOrder.batch(step: $0)) }
    for step in (0..<12).reversed() {
      var fresh = BatchSampler(images: 46, batchSize: 12, seed: 3)
      #expect(Array(fresh.batch(step: step)) == batches[step])
      #expect(Array(inOrder.batch(step: step)) == batches[step])
    }
    var other = BatchSampler(images: 46, batchSize: 12, seed: 4)
    #expect(Array(other.batch(step: 0)) != batches[0])
  }
}

@Suite struct ScheduleTests {
  @Test func warmUpRisesLinearly() {
    var schedule = Schedule()
    schedule.course = .constant
    schedule.baseRate = 0.5
    schedule.warmupSteps = 4
    #expect((0..<6).map { schedule.rate(step: $0, progress: 0.3) } == [0.125, 0.25, 0.375, 0.5, 0.5, 0.5])
    schedule.warmupSteps = 0
    #expect(schedule.rate(step: 0, progress: 0) == 0.5)
  }

  @Test func cosineGoesFromTheBaseRateToZero() {
    var schedule = Schedule()
    schedule.course = .cosine
    schedule.baseRate = 0.5
    schedule.warmupSteps = 10
    let rates = [0, 1.0 / 3, 0.5, 2.0 / 3, 1, 1.5].map { schedule.rate(step: 10, progress: $0) }
    // Float's rounding of values that are exact but for the last digits of the cosine.
    for (rate, expected) in zip(rates, [0.5, 0.375, 0.25, 0.125, 0, 0] as [Float]) {
      #expect(abs(rate - expected) <= 0.5 * .ulpOfOne)
    }
    #expect(rates[0] == 0.5 && rates[4] == 0)
    // Warm-up and course multiply.
    #expect(schedule.rate(step: 4, progress: 0) == 0.25)
  }

  @Test func exponentialFallsByAFactorAStep() {
    var schedule = Schedule()
    schedule.course = .exponential
    schedule.baseRate = 1
    schedule.warmupSteps = 0
    schedule.decay = 0.5
    #expect((0..<4).map { schedule.rate(step: $0, progress: 0.9) } == [1, 0.5, 0.25, 0.125])
    schedule.decay = 0.999_977
    // Twenty squarings lose at most some 2²⁰ half-units of the last place of a Double: below one of a Float.
    let expected = Float(pow(0.999_977, 1_000_003))
    #expect(abs(schedule.rate(step: 1_000_003, progress: 0) - expected) <= expected * .ulpOfOne)
  }

  @Test func cosineIsAccurate() {
    let errors = (0...1000).map { Double($0) / 1000 }.map { abs(cosineOfPi(times: $0) - cos(Double.pi * $0)) }
    // The series is good to 10⁻¹⁵; the reference's argument is itself rounded by up to 2.2·10⁻¹⁶.
    #expect(errors.max() ?? 1 <= 1.3e-15)
    #expect(cosineOfPi(times: 0) == 1 && cosineOfPi(times: 1) == -1)
    #expect(power(3, 13) == 1_594_323 && power(7, 0) == 1)
  }
}
