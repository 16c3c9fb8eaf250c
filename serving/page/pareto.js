/** The materials that no other one beats in both properties. */

/**
 * Find the front of points that none other equals or exceeds in both coordinates while exceeding in one.
 * @template {{x: number, y: number}} Point
 * @param {Point[]} points
 * @param {boolean} [xUp] Whether a larger x is better.
 * @param {boolean} [yUp] Whether a larger y is better.
 * @returns {Point[]} From the best x on.
 */
export function paretoFront(points, xUp = true, yUp = true) {
  const better = points.map((point) => ({ point, x: xUp ? point.x : -point.x, y: yUp ? point.y : -point.y }));
  const front = [];
  let [bestY, atX] = [-Infinity, Infinity];
  for (const { point, x, y } of better.sort((a, b) => b.x - a.x || b.y - a.y)) {
    if (y > bestY) [bestY, atX] = [y, x];
    else if (y < bestY || x < atX) continue;
    front.push(point);
  }
  return front;
}
