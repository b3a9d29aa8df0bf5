// How a report looks, in light, in dark and on paper, and the script of its sliders.
import Plotting

/// Style sheet and script. Colours of figures come from `PlotColor`, so that a figure in the page and one in a file agree.
enum ReportStyle {
  /// The colours as variables: for light, for dark where the reader prefers it, and for paper light again.
  static var colors: HTML {
    func variables(_ color: (PlotColor.Themed) -> PlotColor) -> [HTML] {
      PlotColor.themed.map { "\($0.variable): \(color($0).hexadecimal); " }
    }
    return """
      :root { color-scheme: light dark; --page: #ffffff; --soft: #f3f4f6; --link: #0b5cad; --note: #8a5a00; \
      \(variables(\.light))}
      @media (prefers-color-scheme: dark) { :root { --page: #16181c; --soft: #22262c; --link: #7ab8f5; --note: #f0b95a; \
      \(variables(\.dark))} }
      @media print { :root { color-scheme: light; --page: #ffffff; --soft: #f3f4f6; --link: #0b5cad; --note: #8a5a00; \
      \(variables(\.light))} }

      """
  }

  static let sheet: HTML = """
    * { box-sizing: border-box; }
    body { margin: 0 auto; padding: 1rem; max-width: 76rem; background: var(--page); color: var(--plot-ink);
      font: 1rem/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; overflow-wrap: anywhere; }
    h1 { font-size: 1.7rem; line-height: 1.2; margin: .5rem 0; }
    h2 { font-size: 1.3rem; margin: 2.2rem 0 .6rem; border-bottom: 1px solid var(--plot-grid); padding-bottom: .2rem; }
    h3 { font-size: 1.05rem; margin: 1.4rem 0 .4rem; }
    p, ul { max-width: 48rem; }
    a { color: var(--link); }
    a:focus-visible, input:focus-visible, main:focus-visible, .scroll:focus-visible { outline: 3px solid var(--link);
      outline-offset: 2px; }
    .skip { position: absolute; left: -100rem; }
    .skip:focus { left: 1rem; top: .5rem; background: var(--page); padding: .3rem .6rem; z-index: 1; }
    nav ol { list-style: none; display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; padding: 0; margin: .5rem 0; }
    .note { border-left: .25rem solid var(--note); padding: .1rem 0 .1rem .7rem; }
    .scroll { overflow-x: auto; }
    table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums; margin: .4rem 0; }
    caption { text-align: left; color: var(--plot-axis); padding: .2rem 0; max-width: min(48rem, calc(100vw - 2rem)); }
    th, td { text-align: left; vertical-align: top; padding: .25rem .8rem .25rem .2rem;
      border-bottom: 1px solid var(--plot-grid); overflow-wrap: normal; min-width: 5rem; }
    thead th { border-bottom: 2px solid var(--plot-axis); }
    tbody th { font-weight: 600; }
    pre { background: var(--soft); padding: .7rem; font-size: .85rem; line-height: 1.4; overflow-wrap: normal; }
    code { font-family: ui-monospace, Menlo, Consolas, monospace; }
    figure { margin: .5rem 0; }
    figcaption, footer { color: var(--plot-axis); font-size: .9rem; max-width: 48rem; }
    footer { margin-top: 3rem; border-top: 1px solid var(--plot-grid); padding-top: .5rem; }
    .figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); gap: .5rem 1rem; }
    .beside { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 21rem), 1fr)); gap: .5rem 1.5rem; }
    .figures > figure, .beside > div { min-width: 0; }
    .plot { display: block; width: 100%; max-width: 46rem; min-width: 26rem; height: auto; }
    .plot rect { shape-rendering: crispEdges; }
    .pixels { image-rendering: pixelated; max-width: 100%; height: auto; background: #000; }
    fieldset { border: 0; margin: 0; padding: 0; min-width: 0; }
    legend { float: left; padding: 0 .6rem 0 0; font-weight: 600; }
    fieldset > label { margin-right: 1rem; }
    fieldset > .figures { clear: both; display: none; }
    fieldset > input.a:checked ~ .figures.a, fieldset > input.b:checked ~ .figures.b { display: grid; }
    .frames ol { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .8rem; margin: .4rem 0; }
    .frames.live li:not(.shown) { display: none; }
    .slider { display: flex; flex-wrap: wrap; gap: .3rem .8rem; align-items: center; margin: .4rem 0; }
    .slider[hidden] { display: none; }
    .slider input { flex: 1 1 12rem; max-width: 28rem; }
    .slider output { min-width: 9rem; }
    @page { margin: 14mm; }
    @media print {
      body { padding: 0; max-width: none; font-size: 10pt; }
      nav, .skip, .slider, fieldset > legend, fieldset > label, fieldset > input { display: none !important; }
      fieldset > .figures.a, fieldset > .figures.b { display: block !important; }
      .scroll { overflow: visible; }
      pre { white-space: pre-wrap; overflow-wrap: anywhere; }
      .figures, .beside { display: block; }
      .plot { min-width: 0; max-width: 15cm; }
      .frames.live li:not(.shown) { display: block; }
      .frames img { max-width: 5cm; }
      figure, tr, li, .note { break-inside: avoid; }
      h2, h3, caption, thead, p:has(+ .frames), p:has(+ .scroll) { break-after: avoid; }
    }

    """

  /// A slider shows one frame of its list; what it stands at is also said in words.
  static let script: HTML = """
    for (const frames of document.querySelectorAll(".frames")) {
      const items = [...frames.querySelectorAll("li")];
      const slider = frames.querySelector("input");
      const output = frames.querySelector("output");
      const show = () => {
        items.forEach((item, index) => item.classList.toggle("shown", index === Number(slider.value)));
        const name = items[slider.value].dataset.name;
        output.textContent = name;
        slider.setAttribute("aria-valuetext", name);
      };
      if (items.length > 1) {
        slider.addEventListener("input", show);
        frames.classList.add("live");
        frames.querySelector(".slider").hidden = false;
        show();
      }
    }

    """
}
