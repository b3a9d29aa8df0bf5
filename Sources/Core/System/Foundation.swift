// Foundation and the C library, for all modules: of Foundation the part without ICU, where the platform has it by
// itself. A command that brings its libraries is 40 MB smaller so.
#if canImport(FoundationEssentials)
  @_exported import FoundationEssentials
#else
  @_exported import Foundation
#endif
#if canImport(Glibc)
  @_exported import Glibc
#elseif canImport(Musl)
  @_exported import Musl
#elseif canImport(Darwin)
  @_exported import Darwin
#endif
