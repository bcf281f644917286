"""Every generator of spandrel's, as small as it can be."""

from __future__ import annotations

from typing import Any

SMALL: dict[str, dict[str, Any]] = {
    "nafnet": {"width": 4, "enc_blk_nums": [1, 1], "dec_blk_nums": [1, 1]},
    "scunet": {"config": [1] * 7, "dim": 64, "input_resolution": 64},
    "uformer": {"img_size": 128, "embed_dim": 4, "depths": [1] * 9, "num_heads": [1] * 9},
    "kbnet_s": {"width": 8, "middle_blk_num": 1, "enc_blk_nums": [1, 1], "dec_blk_nums": [1, 1]},
    "kbnet_l": {"dim": 24, "num_blocks": [1, 1, 1, 1], "num_refinement_blocks": 1},
    "fftformer": {"dim": 8, "num_blocks": [1, 1, 1], "num_refinement_blocks": 1},
    "fbcnn": {"nc": [4, 4, 4, 512], "nb": 2},
    "safmn_bcie": {"dim": 8, "n_blocks": 1, "num_layers": 1},
    "drunet": {"nc": [4, 4, 4, 4], "nb": 2},
    "dncnn": {"nc": 8, "nb": 8},
    "mixdehazenet": {"embed_dims": [8, 16, 32, 16, 8], "depths": [1, 1, 1, 1, 1]},
    "retinexformer": {"n_feat": 8, "stage": 1},
    "hvi_cidnet": {"channels": [8, 8, 16, 32]},
    "lama": {},
    "restoreformer": {},
    "span": {"feature_channels": 8, "upscale": 2},
    "compact": {"num_feat": 8, "num_conv": 2, "upscale": 2},
    "swift_srgan": {"num_channels": 8, "num_blocks": 1, "upscale_factor": 2},
    "esrgan": {"num_filters": 8, "num_blocks": 1, "scale": 2},
    "rcan": {"scale": 2, "n_resgroups": 1, "n_resblocks": 1, "n_feats": 16},
    "swinir": {
        "img_size": 16, "embed_dim": 8, "depths": [1], "num_heads": [2], "window_size": 4, "upscale": 2,
        "upsampler": "pixelshuffledirect",
    },
    "swin2sr": {
        "img_size": 16, "embed_dim": 8, "depths": [1], "num_heads": [2], "window_size": 4, "upscale": 2,
        "upsampler": "pixelshuffledirect",
    },
    "hat": {
        "img_size": 16, "embed_dim": 12, "depths": [1], "num_heads": [2], "window_size": 4, "num_feat": 8,
        "upscale": 2, "squeeze_factor": 4,
    },
    "grl": {
        "embed_dim": 16, "depths": [1], "num_heads_window": [1], "num_heads_stripe": [1], "window_size": 32,
        "stripe_size": [64, 64], "stripe_shift": True, "anchor_window_down_factor": 4, "upscale": 2,
        "upsampler": "pixelshuffledirect",
    },
    "dat": {"img_size": 16, "embed_dim": 16, "depth": [2], "num_heads": [2], "split_size": [4, 4]},
    "rgt": {"img_size": 16, "embed_dim": 16, "depth": [2], "num_heads": [2], "split_size": [4, 4]},
    "atd": {
        "img_size": 16, "embed_dim": 8, "depths": [2], "num_heads": [2], "window_size": 4,
        "num_tokens": 4, "reducted_dim": 2, "upscale": 2, "upsampler": "pixelshuffledirect",
    },
    "drct": {
        "img_size": 16, "embed_dim": 8, "depths": [6], "num_heads": [2], "window_size": 4, "upscale": 2,
        "upsampler": "pixelshuffle", "gc": 8,
    },
    "craft": {"embed_dim": 12, "depths": [1], "num_heads": [6], "upscale": 2},
    "omnisr": {"num_feat": 16, "up_scale": 2},
    "ditn": {"dim": 8, "ITL_blocks": 1, "SAL_blocks": 1, "upscale": 2},
    "dctlsa": {"nf": 10, "upscale": 2},
    "safmn": {"dim": 8, "n_blocks": 1, "upscaling_factor": 2},
    "plksr": {"dim": 8, "n_blocks": 1, "upscaling_factor": 2},
    "realplksr": {"dim": 16, "n_blocks": 1, "upscaling_factor": 2},
    "seemore": {"scale": 2, "num_experts": 3, "num_layers": 1, "embedding_dim": 8, "global_kernel_size": 5},
    "mosr": {"upscale": 2, "n_block": 1, "dim": 8},
    "moesr": {"scale": 2, "dim": 8, "n_blocks": 1, "n_block": 1, "upsample_dim": 8},
    "fdat": {
        "scale": 2, "embed_dim": 16, "num_groups": 1, "depth_per_group": 1, "num_heads": 2, "mid_dim": 16,
        "window_size": 4,
    },
    "mmrealsr": {
        "num_feat": 8, "num_block": 1, "num_grow_ch": 4, "num_feats": [4, 4, 4, 4], "num_blocks": [1, 1, 1, 1],
    },
    "realcugan_2x": {},
    "realcugan_3x": {},
    "realcugan_4x": {},
    "realcugan_2x_fast": {},
    "ipt": {"patch_size": 24, "n_feats": 12, "num_heads": 12, "num_layers": 1},
}  # fmt: skip

LARGE = ("lama", "restoreformer", "fbcnn")
"""Those that no argument makes small: they have 30 to 75 million parameters."""
