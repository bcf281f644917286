from __future__ import annotations

import cv2
import numpy as np

from itrans.pictures.grid import Row, grid, table


def test_columns_are_source_output_target_in_that_order():
    sides = [np.full((20, 100, 3), value, np.uint8) for value in (10, 120, 230)]
    picture = grid([Row(*sides)])
    middle = picture[picture.shape[0] // 2]
    assert [int(middle[x][0]) for x in (4 + 50, 4 + 104 + 50, 4 + 208 + 50)] == [10, 120, 230]


def test_pictures_that_are_too_small_to_see_become_squares_of_pixels():
    small = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)
    picture = grid([Row(small, small, small)])
    assert picture.shape[1] == 3 * (96 + 4) + 4
    shown = picture[-4 - 96 : -4, 4 : 4 + 96]
    assert np.array_equal(shown, np.kron(small, np.ones((12, 12, 1), np.uint8)))


def test_any_kind_of_array_is_shown():
    row = Row(
        np.full((96, 96, 1), 65535, np.uint16), np.full((96, 96, 5), 0.5, np.float32), np.zeros((96, 96, 3), np.uint8)
    )
    picture = grid([row])
    middle = picture[picture.shape[0] // 2]
    assert [tuple(middle[x]) for x in (52, 152, 252)] == [(255,) * 3, (128,) * 3, (0,) * 3]


def test_a_caption_is_written_below_and_wrapped():
    row = Row(*[np.zeros((20, 100, 3), np.uint8)] * 3)
    plain, captioned = grid([row]), grid([row], "SAMPLE DATA stands in for what is not there, and this line is long")
    assert captioned.shape[0] > plain.shape[0] + 18
    assert (captioned[plain.shape[0] :] < 255).any()


def test_a_table_has_any_number_of_columns_and_breaks_long_headings():
    pictures = [np.full((20, 40, 3), value, np.uint8) for value in (10, 80, 120, 230)]
    short = table([(name, [image]) for name, image in zip("abcd", pictures, strict=True)], (20, 40))
    names = ("a", "encoder_decoder_l1", "c", "d")
    long = table([(name, [image]) for name, image in zip(names, pictures, strict=True)], (20, 40))
    assert short.shape[1] == long.shape[1] == 4 * 44 + 4
    assert long.shape[0] - short.shape[0] == 2 * 18  # encoder_, decoder_, l1
    assert [int(long[-14][4 + 44 * column + 20][0]) for column in range(4)] == [10, 80, 120, 230]


def headed(name, width):
    """Return what stands above two columns, the first of which has no heading."""
    image = np.full((20, width, 3), 120, np.uint8)
    return table([("", [image]), (name, [image])], (20, width))[: -20 - 2 * 4]


def test_a_heading_that_is_a_little_too_wide_is_drawn_smaller():
    (width, _), _ = cv2.getTextSize("encoder_decoder_cgan_l1", cv2.FONT_HERSHEY_SIMPLEX, 0.38, 1)
    assert headed("encoder_decoder_cgan_l1", width).shape[0] == 18
    assert headed("encoder_decoder_cgan_l1", width * 5 // 6).shape[0] == 2 * 18


def test_headings_are_broken_after_hyphens_too():
    assert headed("encoder-decoder-l1", 40).shape[0] == 3 * 18


def test_a_heading_stays_in_its_column():
    image = np.full((20, 30, 3), 120, np.uint8)
    drawn = table([("averylongnamethatcannotbebroken", [image]), ("", [image])], (20, 30))[:18]
    assert (drawn[:, 4:34] < 255).any()
    assert (drawn[:, 34:] == 255).all()
