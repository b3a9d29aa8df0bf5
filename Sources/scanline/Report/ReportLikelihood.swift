// The likelihoods of a report's runs beside each other, with what the images can and cannot tell.
import Core
import Evaluation
import Networks
import Reports

extension ReportScores {
  /// Charts and tables: a group for each set of images, then what was recorded in training alone.
  func html(_ runs: [ReportRun]) -> HTML {
    let several = groups.count + (recorded.isEmpty ? 0 : 1) > 1
    var parts = groups.enumerated().map { index, group -> HTML in
      let names = group.runs.map { runs[$0].name }.joined(separator: ", ")
      return (several ? "<h3>Images \(index + 1): \(HTML.name(names))</h3>\n" : "") + html(group)
    }
    if !recorded.isEmpty {
      parts.append((several ? "<h3>As recorded in training</h3>\n" : "") + recordedHTML(runs))
    }
    return HTML(parts)
  }

  private func html(_ group: Group) -> HTML {
    let comparison = group.comparison
    let unit = 1 / LikelihoodSummary.bitsPerDimension(1, shape: group.shape)
    let isCompared = comparison.rows.count > 1
    let rows = comparison.rows.map { row -> [HTML] in
      let bits = row.interval.map { $0.lowerBound / unit...$0.upperBound / unit }
      let own: [HTML] = [
        .name(row.candidate.name), HTML(text: plusMinus(row.summary.natsPerImage, row.summary.standardError, 2)),
        HTML(text: intervalText(row.interval, 2)),
        HTML(text: plusMinus(row.summary.bitsPerDimension, row.summary.bitsStandardError, 4)),
        HTML(text: intervalText(bits, 4)),
      ]
      guard isCompared else { return own }
      return own + [
        HTML(text: differenceText(row.difference, 3)),
        HTML(text: intervalText(row.differenceInterval, 3, isSigned: true)), HTML(text: row.verdict.rawValue),
      ]
    }
    var points: [HTML] = [
      """
      \(counted(comparison.images, "image")) of <code>\(group.folder)</code>\(isCompared ? ", the same for all" : ""); their \
      fingerprint as levels is <code>\(Checksum.hexadecimal(group.fingerprint))</code>.
      """,
      """
      95% intervals are by Student's t and, from \(Bootstrap.fewestImages) images on, by the bootstrap-t of \
      \(Bootstrap.defaultResamples) resamples of the images, the wider at either end; ± is a standard error. They speak \
      of other images like these, not of other training runs.
      """,
      """
      The best step of a run was chosen by held-out images, so where these are the same ones its score is a little too \
      good.
      """,
    ]
    if isCompared {
      points.insert(
        """
        Differences, in nats per image, are from the best model and paired image by image. Where the interval holds 0, \
        the images do not tell the two apart; fewer than \(Bootstrap.fewestImages) images give no verdict.
        """, at: 2)
    }
    let columns: [HTML] = ["", "nats per image", "95% interval", "bits per dimension", "95% interval"]
    return (isCompared ? figures(group) : "")
      + .table(
        caption: isCompared
          ? "Paired likelihoods of held-out images, best first." : "Likelihood of held-out images.",
        columns: isCompared ? columns + ["difference", "95% interval", "verdict"] : columns, rows: rows)
      + .list(points) + HTML(group.notes.map { .note("\($0)") })
  }

  private func figures(_ group: Group) -> HTML {
    let names = group.comparison.rows.map(\.candidate.name).joined(separator: ", ")
    let labels = [
      "Dot chart of bits per dimension of \(names), with intervals",
      "Dot chart of differences from the best model, with intervals",
    ]
    return .figures(
      zip(group.comparison.figure(title: "", shape: group.shape).panels, labels).map {
        .figure($0, label: $1, height: Double(group.comparison.rows.count) * 26 + 100)
      })
  }

  private func recordedHTML(_ runs: [ReportRun]) -> HTML {
    let rows = recorded.map { record -> [HTML] in
      let name = HTML.name(runs[record.run].name)
      guard let summary = record.summary, let step = record.step else {
        return [name, "none", "", "", "", "", HTML(text: record.reason)]
      }
      return [
        name, "\(step)", "\(summary.images)",
        HTML(text: plusMinus(summary.natsPerImage, summary.standardError, 3)),
        HTML(text: intervalText(summary.studentInterval, 3)),
        HTML(text: plusMinus(summary.bitsPerDimension, summary.bitsStandardError, 4)), HTML(text: record.reason),
      ]
    }
    return .table(
      caption: "The last evaluation of held-out images that training wrote down.",
      columns: [
        "", "step", "images", "nats per image", "95% interval", "bits per dimension", "why it was not scored anew",
      ], rows: rows)
      + .note(
        """
        Not paired: nothing is known image by image, so differences between these runs, and to others, have no interval. \
        Intervals are Student's t.
        """)
  }
}
