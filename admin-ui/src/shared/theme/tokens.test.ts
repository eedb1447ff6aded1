import { describe, expect, it } from 'vitest';
import { customProperties, PALETTES, TONE_SHAPES } from './tokens';

/** The contrast of WCAG 2.2 between two colours. */
function contrast(one: string, other: string): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

describe.each(Object.entries(PALETTES))('the %s palette', (_, palette) => {
  const grounds = [palette.page, palette.panel, palette.floating, palette.hover];

  it('writes all text with a contrast of at least 4.5', () => {
    for (const ground of grounds)
      for (const text of [
        palette.text,
        palette.second,
        palette.third,
        palette.placeholder,
        palette.link,
        palette.error,
      ])
        expect(contrast(text, ground), `${text} on ${ground}`).toBeGreaterThanOrEqual(4.5);
    for (const pair of Object.values(palette.tones))
      expect(contrast(pair.text, pair.ground)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(palette.onAccent, palette.accent)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(palette.onAccent, palette.accentHover)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(palette.onError, palette.error)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(palette.accent, palette.accentWash)).toBeGreaterThanOrEqual(4.5);
  });

  it('draws borders of inputs and lines of charts with a contrast of at least 3', () => {
    for (const line of [palette.border, ...palette.series])
      expect(contrast(line, palette.panel), line).toBeGreaterThanOrEqual(3);
  });
});

it('names every colour for our CSS, the same ones in both looks', () => {
  const light = customProperties(PALETTES.light);
  expect(light['--t-on-accent']).toBe('#FFFFFF');
  expect(light['--t-bad-ground']).toBe('#FCE8EA');
  expect(Object.keys(customProperties(PALETTES.dark))).toEqual(Object.keys(light));
});

it('tells tones apart without colour, but for the two that need no act', () => {
  expect(new Set(Object.values(TONE_SHAPES)).size).toBe(4);
});
