"""A discriminator that judges patches by the feature maps of a timm backbone."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from itrans_timm.backbones import Backbone, Layers, Positive


class TimmPatch(nn.Module):
    """A discriminator on the feature maps of a timm backbone: one logit for each place of each chosen map.

    A small head of two convolutions follows each map. With pretrained, frozen weights it is a projected discriminator
    without its random projections (Sauer et al., arXiv 2111.01007).

    Args:
        in_channels: of the picture that it judges.
        condition_channels: of the source that it also sees; 0 if it sees none.
        backbone: its name in timm.
        layers: which feature maps are judged, as timm counts them; for most backbones 0 has 1/2 or 1/4 of the picture's
            size, and each further one half the size of the one before.
        pretrained: start with weights that timm downloads.
        weights_file: start with weights from this file, as timm would download it.
        frozen: keep the backbone's weights as they are, and train only the heads.
        image_size: height and width of the pictures, for a backbone that takes one size only.
        filters: channels of the heads.
        initialize: False if a checkpoint's weights will be loaded.

    Raises:
        ValueError: timm has no such backbone, or it has no such layers, or its weights cannot be had.
    """

    channels_last = True

    def __init__(
        self,
        *,
        in_channels: int,
        condition_channels: int,
        backbone: str = "resnet18",
        layers: Layers = [2],  # noqa: B006  # nothing changes it, and recipes show it
        pretrained: bool = False,
        weights_file: str | None = None,
        frozen: bool = False,
        image_size: Positive | None = None,
        filters: Positive = 64,
        initialize: bool = True,
    ) -> None:
        super().__init__()
        chosen = sorted(set(layers))
        if not chosen:
            raise ValueError("layers is empty: it takes at least one to judge by")
        self.backbone = Backbone(
            backbone,
            in_channels + condition_channels,
            layers=chosen,
            pretrained=pretrained,
            weights_file=weights_file,
            frozen_stages=len(chosen) if frozen else 0,
            image_size=image_size,
            initialize=initialize,
        )
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Conv2d(channels, filters, 3, padding=1), nn.LeakyReLU(0.2), nn.Conv2d(filters, 1, 1))
            for channels in self.backbone.channels
        )

    def forward(self, image: Tensor, condition: Tensor | None) -> list[Tensor]:
        """Return logits `(N, 1, h, w)` for each layer, the largest first.

        Args:
            image: `(N, C, H, W)` in [-1, 1].
            condition: the source, of equal height and width, or None.

        Raises:
            DataError: the backbone takes pictures of another size only.
        """
        return [head(feature) for head, feature in zip(self.heads, self.features(image, condition), strict=True)]

    def features(self, image: Tensor, condition: Tensor | None) -> list[Tensor]:
        """Return the chosen feature maps, for losses that compare them.

        Args:
            image: see `forward`.
            condition: see `forward`.

        Raises:
            DataError: see `forward`.
        """
        return self.backbone.__call__(image if condition is None else torch.cat([condition, image], dim=1))  # type: ignore[no-any-return]
