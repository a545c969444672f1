// Diagrams of lessons: Mermaid, in the page's colours.
import mermaid from 'mermaid';

let count = 0;

/** Draws one diagram; resolves to SVG text, rejects when the source makes no sense. */
export async function draw(source, dark) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  mermaid.initialize({
    startOnLoad: false,
    securityLevel: 'strict',
    theme: 'base',
    darkMode: dark,
    fontFamily: 'inherit',
    flowchart: { htmlLabels: false, useMaxWidth: true, curve: 'basis' },
    themeVariables: {
      darkMode: dark,
      background: colour('--surface'),
      primaryColor: colour('--tint'),
      primaryBorderColor: colour('--accent'),
      primaryTextColor: colour('--ink'),
      secondaryColor: colour('--hover'),
      tertiaryColor: colour('--panel'),
      tertiaryBorderColor: colour('--line-strong'),
      tertiaryTextColor: colour('--ink'),
      clusterBkg: colour('--panel'),
      clusterBorder: colour('--line-strong'),
      lineColor: colour('--muted'),
      textColor: colour('--ink'),
      edgeLabelBackground: colour('--surface'),
      fontSize: '14px',
    },
  });
  count += 1;
  const { svg } = await mermaid.render(`drydock-diagram-${count}`, source);
  return svg;
}
