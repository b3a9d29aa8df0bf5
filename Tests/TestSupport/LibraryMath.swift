// The C library's functions, for checking our own against.
import Foundation

/// log x
public func naturalLog(_ x: Double) -> Double { log(x) }
/// eˣ
public func exponentialOf(_ x: Double) -> Double { exp(x) }
/// tanh x
public func hyperbolicTangentOf(_ x: Double) -> Double { tanh(x) }
