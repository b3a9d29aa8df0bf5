// Pictures of one thing as time goes by: a slider where scripts run, all of them side by side elsewhere and on paper.

/// Pictures in order of time.
package struct ReportFrames: Sendable {
  /// A picture and when it was made.
  package struct Frame: Sendable {
    /// "step 400"
    package let name: String
    /// It.
    package let picture: ReportPicture

    /// A frame.
    package init(_ name: String, _ picture: ReportPicture) { (self.name, self.picture) = (name, picture) }
  }

  /// Frames that a page shows at most; of more, the first, the last and those evenly between.
  package static let most = 24

  /// The frames, in order.
  package let frames: [Frame]

  /// Frames, at least one.
  package init(_ frames: [Frame]) {
    precondition(!frames.isEmpty, "frames of nothing")
    self.frames = frames
  }

  /// The positions of at most `most` of `count` frames, evenly spread, both ends among them.
  package static func spread(_ count: Int, most: Int = most) -> [Int] {
    count <= most ? Array(0..<count) : (0..<most).map { $0 * (count - 1) / (most - 1) }
  }

  /// The frames as HTML. `id` is a name of its own on the page, of letters, digits and hyphens; `label` says what the
  /// slider moves. Without a script the slider stays hidden, and every frame is seen.
  package func html(id: String, label: String) -> HTML {
    let items = frames.map { frame -> HTML in
      "<li data-name=\"\(frame.name)\"><figure>\(frame.picture.html(side: 320))<figcaption>\(frame.name)</figcaption>"
        + "</figure></li>\n"
    }
    return """
      <div class="frames" id="\(id)">
      <p class="slider" hidden><label for="\(id)-slider">\(label)</label>
      <input type="range" id="\(id)-slider" min="0" max="\(frames.count - 1)" step="1" value="\(frames.count - 1)">
      <output for="\(id)-slider"></output></p>
      <ol>
      \(items)</ol>
      </div>

      """
  }
}
